// The app's own vault: it holds one secret, the URL of the Teams workflow, whose signature is the right to post.
// Without a URL there is neither secret nor role, and the app setting is left out.

param token string
param location string
param tags object
@secure()
param teamsWebhook string
param settingsPrincipalId string

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-apimend-${take(token, 13)}'
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
  }
}

resource webhook 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(teamsWebhook)) {
  parent: vault
  name: 'teams-webhook'
  properties: { value: teamsWebhook, contentType: 'URL of a Teams workflow' }
}

// On the secret, not on the vault.
resource settingsReadsWebhook 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(teamsWebhook)) {
  name: guid(vault.id, 'teams-webhook', settingsPrincipalId, secretsUser)
  scope: webhook
  properties: {
    principalId: settingsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

output webhookSecretUri string = empty(teamsWebhook) ? '' : '${vault.properties.vaultUri}secrets/teams-webhook'
