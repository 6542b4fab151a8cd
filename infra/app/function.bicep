// The function app on Flex Consumption: plan, site, settings, sign-in.

param token string
param location string
param tags object
param subscriptionIds array
param modeCeiling string
param webhookSecretUri string
param desiredStateUrl string
param signInClientId string
param sweepSchedule string
param ledgerDays int
param pythonVersion string
param instanceMemoryMB int
param appIdentityId string
param appClientId string
param settingsIdentityId string
param blobUrl string
param queueUrl string
param tableUrl string
param insightsConnectionString string
param topicEndpoint string

var name = 'func-apimend-${token}'
var signsIn = !empty(signInClientId)

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-apimend-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'apimend' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${appIdentityId}': {}
      '${settingsIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: settingsIdentityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobUrl}app-package'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: appIdentityId }
        }
      }
      runtime: { name: 'python', version: pythonVersion }
      // One writer per instance is kept by a lease, not by this number; 40 is the least that the plan takes.
      scaleAndConcurrency: { maximumInstanceCount: 40, instanceMemoryMB: instanceMemoryMB }
    }
    siteConfig: { minTlsVersion: '1.2' }
  }
}

resource noBasicFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource noBasicScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

// docs/settings.md explains every APIMEND_ name. The runtime and its version stand in functionAppConfig, not here.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__blobServiceUri: blobUrl
      AzureWebJobsStorage__queueServiceUri: queueUrl
      AzureWebJobsStorage__tableServiceUri: tableUrl
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: appClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${appClientId};Authorization=AAD'
      PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
      APIMEND_MODE_CEILING: modeCeiling
      APIMEND_STORAGE: 'azure'
      APIMEND_DESIRED_STATE: desiredStateUrl
      APIMEND_TENANT_ID: tenant().tenantId
      APIMEND_SUBSCRIPTIONS: join(subscriptionIds, ',')
      APIMEND_CLIENT_ID: appClientId
      APIMEND_TOPIC_ENDPOINT: topicEndpoint
      APIMEND_PAGES_URL: 'https://${site.properties.defaultHostName}'
      APIMEND_SIGN_IN: signsIn ? 'appservice' : 'none'
      APIMEND_SWEEP_SCHEDULE: sweepSchedule
      APIMEND_KEEP_DAYS: string(ledgerDays)
    },
    empty(webhookSecretUri) ? {} : { APIMEND_TEAMS_WEBHOOK: '@Microsoft.KeyVault(SecretUri=${webhookSecretUri})' },
    signsIn ? { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: appClientId } : {}
  )
}

// Everybody signs in, but for Event Grid: without the exclusion it would be shut out, and no event would arrive.
// There is no client secret: the app registration trusts the app's identity (docs/deploy.md).
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (signsIn) {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: ['/runtime/webhooks/*']
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: { allowedAudiences: [signInClientId, 'api://${signInClientId}'] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
  dependsOn: [settings]
}

output id string = site.id
output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
