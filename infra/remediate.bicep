// Stage 3: the right to write, in the subscriptions named. Nothing else in infra/ grants it.
//
// Deployed by hand when reports have been right for long enough (docs/deploy.md); `modeCeiling` of stage 1 has to be
// raised as well. To take the right away again, delete the role assignments that this made.

targetScope = 'subscription'

@description('Name of the environment, as in stage 1.')
param environmentName string

@description('Ids of the subscriptions where the app may write.')
param subscriptionIds array = [subscription().subscriptionId]

@description('Output APIMEND_APP_PRINCIPAL_ID of stage 1.')
param appPrincipalId string

module remediate 'modules/role-subscription.bicep' = [
  for id in subscriptionIds: {
    name: 'apimend-remediate-${uniqueString(id)}'
    scope: subscription(id)
    params: {
      role: loadJsonContent('roles/remediate.json')
      suffix: environmentName
      principalId: appPrincipalId
    }
  }
]
